"""Masks from files, without a server: `click99 cutout` of one picture, `click99 segment` of a folder's."""
