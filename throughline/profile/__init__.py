"""Where time goes over many tasks: how long each step takes for each type of task, and its share of the whole."""

from throughline.profile.profile import Figures, Profile, StepProfile, TypeProfile, profile_of
from throughline.profile.sampling import Sampling
from throughline.profile.step import Key, Step
from throughline.profile.window import Window

__all__ = ["Figures", "Key", "Profile", "Sampling", "Step", "StepProfile", "TypeProfile", "Window", "profile_of"]
