"""One module a version; once released, a module never changes."""
