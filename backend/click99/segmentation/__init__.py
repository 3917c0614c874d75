"""The method: clicks, network, views, predictor, metrics. Arrays and tensors only."""
