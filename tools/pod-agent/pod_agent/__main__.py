"""`python -m pod_agent` is the same as the console script `pod-agent`."""

import sys

from pod_agent.cli import main

sys.exit(main())
