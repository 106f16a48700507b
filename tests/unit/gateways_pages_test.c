/* The folder that a gateway serves: what of it is found, and how a browser is told that nothing is new. */
#include "gateways/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/unit.h"

typedef struct served {
    char folder[64], inner[80];
    pages pages;
    tw_error error;
} served;

static void put(const served *s, const char *name, const char *content) {
    char path[128];
    tw_text_format(path, sizeof path, "%s/%s", s->folder, name);
    FILE *out = fopen(path, "wb");
    EXPECT(out != NULL);
    if (out == NULL) return;
    fputs(content, out);
    fclose(out);
}

static void make(served *s) {
    *s = (served){.folder = "/tmp/tickwire-pages-XXXXXX"};
    EXPECT(mkdtemp(s->folder) != NULL);
    tw_text_format(s->inner, sizeof s->inner, "%s/view", s->folder);
    EXPECT_I64(mkdir(s->inner, 0700), 0);
    put(s, ".secret", "not for the world");
    put(s, "main.js", "one()");
    put(s, "view/main.js", "two()");
}

static void end(served *s) {
    static const char *const names[] = {"index.html", "view/index.html", ".secret", "main.js", "view/main.js"};
    char path[128];
    pages_free(&s->pages);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tw_text_format(path, sizeof path, "%s/%s", s->folder, names[i]);
        unlink(path);
    }
    rmdir(s->inner);
    rmdir(s->folder);
}

TEST(pages, files_are_found_by_their_path_and_folders_by_their_index) {
    served s;
    make(&s);
    put(&s, "index.html", "<p>");
    put(&s, "view/index.html", "");
    EXPECT_I64(pages_read(&s.pages, s.folder, &s.error), TW_OK);
    EXPECT_U64(s.pages.count, 4);
    EXPECT_STR(pages_find(&s.pages, "/")->path, "/index.html");
    EXPECT_STR(pages_find(&s.pages, "/view/")->path, "/view/index.html");
    EXPECT_U64(pages_find(&s.pages, "/view/index.html")->length, 0);
    EXPECT_STR(pages_find(&s.pages, "/main.js")->type, "text/javascript; charset=utf-8");
    const char *none[] = {"/.secret", "/view", "/main", "/main.js/", "/../main.js", "", "main.js"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        EXPECT_MSG(pages_find(&s.pages, none[i]) == NULL, "%s is found", none[i]);
    end(&s);
}

TEST(pages, a_folder_without_an_index_or_that_is_not_there_is_named) {
    served s;
    make(&s);
    EXPECT_I64(pages_read(&s.pages, s.folder, &s.error), TW_NOT_FOUND);
    pages_free(&s.pages);
    EXPECT(pages_read(&s.pages, "/nowhere/at/all", &s.error) != TW_OK);
    end(&s);
}

TEST(pages, who_has_the_same_content_already_is_known_and_nobody_else) {
    served s;
    make(&s);
    put(&s, "index.html", "<p>");
    EXPECT_I64(pages_read(&s.pages, s.folder, &s.error), TW_OK);
    const page *one = pages_find(&s.pages, "/main.js"), *other = pages_find(&s.pages, "/view/main.js");
    EXPECT_MSG(strcmp(one->tag, other->tag) != 0, "both are %s", one->tag);
    char several[128], weak[64], cut[PAGE_TAG_BYTES];
    tw_text_format(several, sizeof several, "%s, \"x\", %s", other->tag, one->tag);
    tw_text_format(weak, sizeof weak, "W/%s", one->tag);
    tw_text_copy(cut, sizeof cut, one->tag);
    cut[strlen(cut) - 1] = '\0'; /* without its last quote it is another tag's beginning */
    EXPECT(page_is_known(one, one->tag) && page_is_known(one, several) && page_is_known(one, weak) &&
           page_is_known(one, "*"));
    EXPECT(!page_is_known(one, "") && !page_is_known(one, other->tag) && !page_is_known(one, cut));
    end(&s);
}
