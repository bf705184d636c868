"""Measuring networks so that the number can be believed."""
