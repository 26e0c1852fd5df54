"""`python -m s3prod` is the command `s3prod`."""

import sys

from s3prod.cli import main

sys.exit(main())
