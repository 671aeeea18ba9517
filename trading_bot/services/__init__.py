"""What guards an invariant: the loop, the order desk, the books, the risk gate."""
