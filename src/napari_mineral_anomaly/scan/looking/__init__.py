"""Numbers for a look at the maps: ratio, profile, region, scatter plot, an image laid over them.

They show what was measured. No detector uses them.
"""
