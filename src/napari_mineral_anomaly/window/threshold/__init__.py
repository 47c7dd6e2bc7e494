"""The threshold of a score, a part of the step *Decide*."""
