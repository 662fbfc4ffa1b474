"""演示: a data directory with everything a house needs, its own CA, and the demonstration itself.

Only for demo and test environments: keys are files, certificates come from a CA made on the spot.
"""
