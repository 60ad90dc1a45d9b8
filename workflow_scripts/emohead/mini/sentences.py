"""What the mini speakers say: plain statements, about as long as each other.

As in MEAD, the first three clips of every emotion share their sentences and the others have
sentences of their emotion's own; all speakers say the same. So a landmark model hears many texts,
and the test part, the highest-numbered clips, says what nobody said in the training part. The
texts are neutral: the voice and the face carry the emotion.

The mini preset takes the first twelve and tests on numbers 11 and 12. It was chosen on those that
are now 9 and 10, which is what a dev part of the same size holds; 11 and 12 were written when that
was done, and nothing has been chosen on them. 13 and 14 are for larger sets.
"""

_COMMON = (
    "Paul opened the window and took a broom.",
    "Her brother may bring a few more wooden chairs.",
    "Nobody saw the brown fox jump off the bridge.",
)

_OF_EMOTION = {
    "angry": (
        "Five young farmers brought their apples to town.",
        "We put the heavy boxes above my book shop.",
        "She will choose a blue vase for the front room.",
        "Papa made both of us a pot of mushroom soup.",
        "The bus to the village leaves at half past two.",
        "The farmer's map shows a shallow pond.",
        "Two brown mules pull the wooden plough.",
        "The woman in blue bought four pounds of beef.",
        "Our boat moved slowly past the paper mill.",
        "Our piano teacher works above the flower shop.",
        "A warm wind moved the paper on my table.",
    ),
    "contempt": (
        "The old ferry moves past the harbour wall.",
        "Robert washed the cups before we had coffee.",
        "My father painted the garage door light green.",
        "They planned a short trip to the museum.",
        "Both boys found some money beside the pool.",
        "We spent the whole summer near the fort.",
        "Her coffee cup is on the upper shelf.",
        "A bowl of warm plums is on the buffet.",
        "Many of the pupils walk over the foot bridge.",
        "A farmer parked his tractor by the pump house.",
        "You could see the moon above the valley.",
    ),
    "disgusted": (
        "The weather map shows more rain by Monday.",
        "Eva bought a new lamp for the hallway.",
        "Three women walked along the beach at noon.",
        "The baker puts fresh bread in my basket.",
        "Uncle Bob keeps a map of every river.",
        "A boat with five people left the pier.",
        "The lamp above the sofa was my mother's.",
        "The postman put five letters below the mat.",
        "My family has a room above the pump works.",
        "We have always used the smaller wheel.",
        "That movie about the boat was very popular.",
    ),
    "fear": (
        "Mother put the purple towel over the chair.",
        "A young woman plays the violin at home.",
        "The shop by the park opens before five.",
        "He gave me back both of the books.",
        "Many people wait for the number four tram.",
        "Most of the pupils own a blue jumper.",
        "The bakery opens its doors before seven.",
        "Barbara made us a pie of apples and plums.",
        "The wooden bench by the pool was moved.",
        "Our puppy buried a bone below the fence.",
        "The father of my friend fixes old watches.",
    ),
    "happy": (
        "I will move the big table by myself.",
        "They serve warm pea soup every afternoon.",
        "The path goes up above the apple farm.",
        "You may borrow my umbrella for the week.",
        "A small plane flew over the empty beach.",
        "A path of pale pebbles leads to the well.",
        "My favourite book has a brown paper cover.",
        "They built a low wall of bricks before May.",
        "Our former mayor swam for fifty minutes.",
        "Peter wrote about the wolves in the woods.",
        "We found a bottle of ink from Mumbai.",
    ),
    "neutral": (
        "The mayor opened a public room for maps.",
        "My aunt waters the plants before breakfast.",
        "Both pumps have been out of use since May.",
        "She always wore a brown cap to work.",
        "The ship will leave the harbour by evening.",
        "The van moves four beds to the farmhouse.",
        "I put a map of Poland on the wall.",
        "A lamp from Bombay hung over the piano.",
        "The farmer put both of the buckets away.",
        "He showed us five photos from Africa.",
        "Few of them remember the former bakery.",
    ),
    "sad": (
        "A boy from my class plays the trumpet.",
        "We moved the piano up to the attic.",
        "The post office is behind the blue house.",
        "Your package of paper came this morning.",
        "Mary bought a pair of leather boots.",
        "A thin layer of frost covers the pumpkins.",
        "We bought some bread from both bakers.",
        "Five bees flew from the bush to the plum tree.",
        "She wrote about a Roman bath for the paper.",
        "The family next door has four bicycles.",
        "You pass a wooden bridge on the way home.",
    ),
    "surprised": (
        "The man put his hat above the mirror.",
        "My office moved to the top of the tower.",
        "Papa bakes a plum cake every Sunday.",
        "Some birds have built a home of mud and moss.",
        "We saw a film about the Baltic Sea.",
        "Five pale moths flew above the lamp.",
        "The woman above us has a small piano.",
        "The baby's blue woollen cap fell off the bed.",
        "We have met the poet above the wine shop.",
        "The poet read from a very thick volume.",
        "Her mother knows the name of every flower.",
    ),
}

#: How many clips an emotion can have.
SENTENCE_COUNT = len(_COMMON) + len(_OF_EMOTION["neutral"])


def sentence(emotion: str, number: int) -> str:
    """What clip `number` (1 to SENTENCE_COUNT) of an emotion says."""
    return (*_COMMON, *_OF_EMOTION[emotion])[number - 1]
