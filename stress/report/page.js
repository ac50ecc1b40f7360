<!doctype html>{{data}}
