"""Everything that is measured, each with the thing that it is compared with in the same run."""
