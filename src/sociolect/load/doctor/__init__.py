"""What is wrong with a table of posts: one file for each thing that is looked at, one for the fixes, one for the words."""

from sociolect.load.doctor.examine import Examined, doctor

__all__ = ["Examined", "doctor"]
