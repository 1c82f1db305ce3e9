"""RQ jobs, by domain, and the clock that rings for them."""
