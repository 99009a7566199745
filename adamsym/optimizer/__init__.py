"""What optimises: Adam and step-size schedules."""

from adamsym.optimizer.adam import Adam

__all__ = ["Adam"]
