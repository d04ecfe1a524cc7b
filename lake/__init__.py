"""A lakehouse for an online marketplace: Spark jobs over bronze, silver and gold Delta tables."""

VERSION = "0.1.0"

# Raised when the layout of the lake changes so that older code must not write to it.
LAKE_FORMAT = 2
