"""Nets, losses and optimizers: plain torch modules, built from conf/model."""
