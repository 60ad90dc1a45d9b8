"""From a clip's files to its crop, landmarks and MFCC windows, stored in shards."""
