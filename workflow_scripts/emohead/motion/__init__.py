"""Motion fields from sound: Audio2Head (Wang et al., IJCAI 2021), whose training isn't released.

`field` and what it is made of are the First Order Motion Model's (Siarohin et al., NeurIPS 2019):
keypoints with Jacobians, dense motion and occlusion, a generator.
"""
