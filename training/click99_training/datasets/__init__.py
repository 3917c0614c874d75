"""Images with masks, from the layouts they come in, as samples that the loop trains and evaluates on."""
