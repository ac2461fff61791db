/* fixture_story.h - what a step of the core is in a story (story.h). For fixture.c only. */
#pragma once
#include "fixture.h"

void world_tell_event(struct world *w, const struct coordinator_event *event);
/* Of the last step; and the deadline, when it is another one. */
void world_tell_actions(struct world *w);
