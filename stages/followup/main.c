#include "stages/followup/match.h"
#include <stdio.h>
int main(int argc, char **argv)
{
    struct error e = {0};
    struct findings a, b;
    struct body_map x, y;
    struct alignment al;
    struct matches m;
    (void)argc;
    if (findings_read(argv[1], &a, &e) < 0 || findings_read(argv[2], &b, &e) < 0 || body_map_read(argv[1], &x, &e) < 0 || body_map_read(argv[2], &y, &e) < 0 || align_find(&x, &y, &al, &e) < 0)
        die_of(&e);
    printf("# corr %.4f shared %.3f shift %.2f %.2f %.2f\n", al.correlation, al.shared, al.rigid.shift_mm[0], al.rigid.shift_mm[1], al.rigid.shift_mm[2]);
    for (int i = 0; i < 3; i++) printf("# %.5f %.5f %.5f\n", al.rigid.turn[i][0], al.rigid.turn[i][1], al.rigid.turn[i][2]);
    if (matches_make(&a, &b, &al.rigid, 0.3, &m, &e) < 0) die_of(&e);
    for (size_t i = 0; i < m.count; i++) {
        struct lesion_pair *l = &m.pair[i];
        printf("%s\t", change_name[l->change]);
        for (size_t k = 0; k < l->earlier.count; k++) printf("%d,", a.finding[l->earlier.index[k]].number);
        printf("\t");
        for (size_t k = 0; k < l->later.count; k++) printf("%d,", b.finding[l->later.index[k]].number);
        printf("\t%.2f\t%.2f\t%.2f\t%.1f\t%d\n", l->earlier.ml, l->later.ml, l->dice, l->moved_mm, l->by_overlap);
    }
}
