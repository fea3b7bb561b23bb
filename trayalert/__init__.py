"""trayalert: a tray application that receives, stores and shows alerts from Alibaba Cloud Monitor."""

__version__ = "0.1.0"
