"""Tests that mirror the folders they test."""
