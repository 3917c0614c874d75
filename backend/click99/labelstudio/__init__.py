"""Label Studio's wire: requests, label configs, images, regions, replies."""
