"""What the code knows: linear probes for attributes beside their controls, directions, disentanglement."""




