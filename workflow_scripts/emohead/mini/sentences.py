"""What the mini speakers say: plain statements, about as long as each other.

In an order in which every beginning of eight or more holds all kinds of mouth shapes, and so does
its last fifth, which becomes the test part.
"""

SENTENCES = (
    "The old ferry moves slowly past the harbour wall.",
    "Papa made both of us a pot of mushroom soup.",
    "She will choose a blue vase for the front room.",
    "Five young farmers brought their apples to town.",
    "We put the heavy boxes above my book shop.",
    "The weather map shows more rain over the valley.",
    "Robert washed the cups before we had coffee.",
    "Nobody saw the brown fox jump off the bridge.",
    "Her brother may bring a few more wooden chairs.",
    "The bus to the village leaves at half past two.",
    "A warm wind moved the paper on my table.",
    "Our piano teacher works above the flower shop.",
    "Both boys found some money beside the pool.",
    "Paul opens a window and put away the broom.",
)
