"""The words of every run's wallet: a published test vector (BIP-39), which nobody keeps money under."""

SEED = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
