"""What the latent code carries and what the decoder uses of it: `analyse` runs all, `verdict` says what it means.

codes         each dim from the stored posteriors: activity, regime, moments
aggregate     all dims together: covariance, total correlation, effective dimension
information   where the kl goes: mutual information of each dim, and its marginal's distance from the prior
decoder       what moves when a code moves: sensitivity, interventions, permuted codes, the prior hole
"""
