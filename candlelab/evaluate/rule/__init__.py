"""Ways to turn scores and a threshold into positions: on or off, sized by confidence, or held until the reason is gone."""
