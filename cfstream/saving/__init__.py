"""Files out: downloads of videos and caption tracks, saved under the name wished for once they are whole."""
