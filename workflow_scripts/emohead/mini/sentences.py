"""What the mini speakers say: plain statements, about as long as each other.

In an order in which every beginning of eight or more holds all kinds of mouth shapes, and so does
its last fifth, which becomes the test part.
"""

SENTENCES = (
    "Paul opened the window and took a broom.",
    "Her brother may bring a few more wooden chairs.",
    "Nobody saw the brown fox jump off the bridge.",
    "Five young farmers brought their apples to town.",
    "We put the heavy boxes above my book shop.",
    "She will choose a blue vase for the front room.",
    "A warm wind moved the paper on my table.",
    "The bus to the village leaves at half past two.",
    "Both boys found some money beside the pool.",
    "The weather map shows more rain over the valley.",
    "The old ferry moves past the harbour wall.",
    "Papa made both of us a pot of mushroom soup.",
    "Robert washed the cups before we had coffee.",
    "Our piano teacher works above the flower shop.",
)
