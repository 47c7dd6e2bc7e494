"""The list of grains and the evidence for one grain, parts of the step *Decide*."""
