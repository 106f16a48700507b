/* The scenario files, each on the engine and on the naive one: tests/matcher/scenarios, the language in tests/matcher/scenario.h. */
#include <dirent.h>

#include "base/text.h"
#include "tests/matcher/scenario.h"
#include "tests/unit.h"

#define FOLDER TICKWIRE_SOURCE_DIR "/tests/matcher/scenarios"

enum { FILES = 41 }; /* at least: none is lost on the way */

static unsigned run_all(venue (*open)(void), const char *who) {
    DIR *folder = opendir(FOLDER);
    EXPECT(folder != NULL);
    unsigned files = 0, faults = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[1024], fault[1024];
        size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 4, ".txt") != 0) continue;
        EXPECT(tw_text_format(path, sizeof path, FOLDER "/%s", entry->d_name));
        venue asked = open();
        if (!scenario_run(path, asked, fault, sizeof fault)) {
            fprintf(stderr, "%s engine: %s\n", who, fault);
            faults++;
        }
        asked.close(asked.engine);
        files++;
    }
    closedir(folder);
    EXPECT_MSG(faults == 0, "%u of %u scenario files fail on the %s engine", faults, files, who);
    return files;
}

TEST(matcher_scenarios, the_engine_does_what_the_tables_say) {
    EXPECT(run_all(venue_real, "real") >= FILES);
}

TEST(matcher_scenarios, the_naive_engine_passes_the_same_tables) {
    EXPECT(run_all(venue_naive, "naive") >= FILES);
}
