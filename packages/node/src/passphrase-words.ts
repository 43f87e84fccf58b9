/**
 * The 1,024 words of generated passphrases: ten bits each. Common, lower case, four letters or more, no two of them
 * one letter apart. The order is part of nothing: a passphrase is only its text.
 */
export const passphraseWords: readonly string[] = `
acorn actor adapt adobe agent alarm album alder algae alien alley almond alpine amber amino ample amuse
anchor angle antler apart apron arbor arch arena argue arise arrow artist ashes aspen asset atlas atom
attic audio august aunt autumn avenue avoid awake award axle azure baby bacon badge bagel baker ballet
bamboo banana band banjo bark barley barrel basil basket batch battle bazaar beach bead beaver beet
begin beige bell berry birch bird bishop bison blade blanket blend blimp block bloom blossom blue board
boat bobbin bone bonus book border borrow boulder bounce bowl bracket braid branch brass brave breeze
brick bride brief bright broad bronze brother brown brush bubble bucket budget buffalo bugle build bulb
bundle bunny burger butter button buzzer cabbage cabin cable cactus cake calf camel camera camp canal
candle candy canoe canvas canyon captain caramel carbon card cargo carol carpet carrot carve cashew
castle catalog cedar celery cello cement center cereal chain chalk chance chant chapel chase check
cheese cherry chess chief child chime chip choir chorus cider cinema circle circus citrus city clam
class clerk clever cliff climb cloak cloth cloud clown club coach coal coast cobalt cobra cocoa coconut
code coffee coin collar comet comic compass copper cork corner cotton cougar count cousin cover coyote
crab cradle craft crane crater crayon cream creek crest cricket crisp crop cruise crystal cube cuckoo
cupcake curl curtain cushion custom cycle cypress dairy dance dawn deck deer delta denim depot desert
detail dial diamond dice diesel diet digit dingo dinner diploma dish ditch diver doctor doll dolphin
domino donkey donut door dove dozen dragon drama drawer dress drift drill drink drum dune dusk duty
dwarf eagle early earth easel east echo eclipse edge editor effort eight elbow emblem emerald empire
enamel energy engine enjoy entry epic equal equator eraser errand escape essay estate evening event
exact exhibit exit expert extra eyebrow fabric face factory fair falcon family famous fancy farm fashion
father faucet favor fennel fiber fiddle field figure film filter finch finger fire flag flame flannel
flask fleet flint float floor flower flute foam focus folder folk forest fort fossil freckle fresh
friend frog front fruit fudge future gadget galaxy gallery garage garden garlic garnet gate gauge
gazelle gecko genius gentle geyser giant giraffe girl given glacier glad glide globe glow goblet gold
gondola goose gopher gorge gown grace grain grand granite graph gravel gravity great green grid grocery
group grove guard guest guitar gulf gypsum habit hail halo hammer hammock hamster happy harp harvest
hawk hazel heart helium helmet help herb heron hickory hill hinge hippo hobby hockey holiday hollow
honey hood hope horizon horn horse hotel hour human humble humor hundred husky hyena icicle idea igloo
iguana image impact index indigo input insect iris iron island ivory jacket jade jaguar jasmine jazz
jeans jelly jersey jewel jigsaw jogger joke journal journey juice july jumbo jump jungle junior kale
karate kayak kernel kettle kidney kind kiosk kitchen kite kitten kiwi knee knight knob koala label
ladder lady lagoon lamb lane lantern large laser laugh laundry lava leaf learn leather lemon lens lentil
leopard lesson letter lettuce level library lilac lily lime limit linen lion liquid list liter little
lizard llama lobster local locker lodge lotus lounge lucky lumber lunar lunch lynx macaw machine magma
magnet magpie major mammal mango maple marble margin marina marker marsh mask math maze meadow meal
media melody melon member memory mentor menu merit meteor metro milk mimic mineral mint minute mirror
mixer model modern moment monk month moon morning mosaic moss motor mouse movie muffin mule muscle
museum music mustard nacho name napkin nation native nature navy near nebula nectar needle neon nephew
nest network never news nickel nine noble noise noodle north note novel nurse nutmeg nylon oasis oboe
ocean octave october olive omelet onion onyx opal open opera orange orbit orchard orchid organ origin
osprey ostrich otter oxygen oyster ozone pacific paddle page paint palace palm panda panel panther
papaya paper parade parcel parsley party pasta pastel patio patrol pause peacock peanut pearl pebble
pecan pedal pelican penguin people pepper perch period permit phone photo piano picnic picture pier
pigeon pilot pink pioneer pipe pizza plain planet plank plate plaza plum pocket poem polar pole polish
pond poppy post potato pottery powder prairie praise present pretzel prince prism prize profit prose
proud public pulp puma pumpkin pupil puppet purple puzzle pyramid quail quartz queen quick quiet quill
quiz quota rabbit raccoon radar radio radish raisin rally raven razor recipe record reed relay relic
remedy rescue resort rhino rhyme rhythm ribbon ridge ring ripple robin robot rodeo roof rooster round
route royal ruby ruler rumba runner rust safari saga salad salmon salt salute satin saturn sauce sauna
savanna scale scarf scene school science scooter scout screen script scuba season seat second senior
sesame seven shadow shampoo shape shark sheep shelf shelter shield shine shirt shoe shovel shrimp siesta
sign silver simple siren sister sketch sled sleeve slice slope smile smoke snack snail snow soap soccer
sock soda soil soldier solid song south space sparrow speech spider spinach spiral splash sponge spoon
spring spruce square squid stable stadium stage stair stamp statue steam steel step stereo stone stool
storm straw street studio sugar suit summer sunset surf swan sweater swift swim swing sword syrup system
tablet taco tailor talent tank tape target tartan taxi teacher teapot temple tennis tent terrace theater
theory thimble thistle thread throne thumb thunder ticket tiger tile timber tissue today tomato tongue
tooth topaz torch total toucan towel track trade trail trap tree tribe trophy trout trumpet trunk tuba
tulip tundra tunnel turban turkey turnip turtle tutor twelve twenty twig twist ultra uncle unicorn
uniform unique unity update upper useful utility vacuum value vanilla vase vault velvet vendor venture
verse vessel veto video view villa village vinyl violet violin visit vivid voice volcano volume vortex
voyage vulture waffle wagon waist walnut walrus waltz wander wasp water wave wedding week whale wheat
wheel whisker white wicker widget willow window winter wise wolf wombat wool world worm wren writer
yacht yarn yellow yoga yogurt young zebra zenith zephyr zero zigzag zinc zipper zodiac
`
  .trim()
  .split(/\s+/)
