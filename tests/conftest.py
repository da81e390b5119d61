"""For all tests: every mapping is searched anew, so that none of them leans on what another run found."""

import os

os.environ["CHIPWISE_NO_CACHE"] = "1"
