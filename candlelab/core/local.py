"""Types of settings that belong to one machine: addresses and places.

A component marks such a setting by its annotation. They are taken from the person's own config, never from a run, a model or
a data set that came from elsewhere.
"""

Address = str  # where requests are sent
Place = str  # a file or folder of this machine
LOCAL = ("Address", "Place")
