"""trayalert: a tray application that receives, stores and shows the alerts of Alibaba Cloud Monitor."""

__version__ = "0.1.0"
