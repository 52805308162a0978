"""What the latent code carries and what the decoder uses of it: `analyse` runs all, `judge` says what it means.

codes         each dim from the stored posteriors: share of variance that tells images apart, regime, moments
aggregate     all dims together: covariance, total correlation, effective dimension
information   where the kl goes: mutual information of each dim, and its marginal's distance from the prior
decoder       what moves when a code moves: sensitivity, interventions, permuted codes, the prior hole
channels      the same of a code that is a small picture, by channel and by place
facts         the numbers that a verdict rests on, the history's among them
verdict       names, grounds and causes from those numbers alone; wording says them, rows defines them
"""
