"""``kubectl collection``: channels of a cluster for the people who run it, through kubectl and its contexts."""
