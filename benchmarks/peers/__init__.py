"""What the API is compared with: servers that send the same, behind the same guards."""
