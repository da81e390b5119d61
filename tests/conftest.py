"""For all tests: every mapping is searched anew, so that none leans on what another run found; one thread each.

Test processes share the cores, and libraries that start a thread per core in each of them wait for one another.
"""

import os

os.environ["CHIPWISE_NO_CACHE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")
