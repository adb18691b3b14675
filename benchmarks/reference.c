/* The decision in plain C: the yardstick of sim/kernels/decision.py.
 *
 * The same algorithm on the same tables with the same hashes. Two sieves list the households that
 * may have a point below a bound on their rate; of those, the points below a closer bound are found,
 * and at each of them the household is evaluated: as things are and, if it does not move, with its
 * constraints lifted. Sums and products are associated as in the kernel, so that (without contraction
 * into fused operations) the answers are the same, household by household. Axes and units of the tables are documented at `ChoiceTables`, `Conditions`, `Means` and
 * `Plane` in sim/kernels; c_reference.py fills the structs below in this very order.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { LIVELIHOOD, FLIGHT };
enum { CHOICE, NECESSITY, NO_MEANS, NO_PERMISSION };
enum { LABOUR, FAMILY, ASYLUM, IRREGULAR, N_SLOTS };
enum { WAITING = 1, STRANDED = 3 };  /* activities */
enum { CITIZEN, IRREGULAR_STATUS = 5, N_STATUS = 7, N_AGES = 121 };
enum { CHILD_MONTHS = 12 * 12, PIONEER_MONTHS = 18 * 12, GROUNDS = 4 };
#define NOBODY 0xFFFFFFFFu
#define DAYS_A_YEAR 365.25
#define MARGIN 1.000001
#define HIGHEST 1000.0
#define TIME 0x9FB21C651E98DF25u   /* key of the time of a point */
#define LABEL 0xD6E8FEB86659FD93u  /* key of the draw that tells why its event is refused */

typedef struct {
    const uint64_t *ident;
    const uint32_t *head;
    const float *means;
    const uint16_t *home, *place;
    const int16_t *moved;
    const uint16_t *rank, *size;
    const uint8_t *citizenship, *group, *kin, *status, *activity, *flags, *mask, *uprooted;
} Households;

typedef struct {
    const uint64_t *pid;
    const uint32_t *next;
    const int16_t *born;
    const uint8_t *traits;
} Persons;

typedef struct {
    const int64_t *country;
    const uint8_t *free_movement;
    const double *geography, *pull, *ahead, *admission, *admitted;
    const int64_t *min_education;
    const double *fee, *price, *companions, *together, *homeward;
    const double *surge_way, *surge_entry;
    const int64_t *surge_min_education;
    double nest, inclusive, surge_most;
    int64_t surge_pending;
} ChoiceTables;

typedef struct {
    const double *want, *fear;            /* [day, place, ..] from first_day on */
    const double *most_want, *most_fear;  /* [place, ..] greatest of these days */
    const uint8_t *by_state;
    const double *livelihood, *age, *bound, *most;
    const double *settling;
    double flight, at_home, attachment, pause, pause_depth;
    int64_t first_day, n_days;
} Conditions;

typedef struct {
    const double *income;
    const float *share;
    const double *support, *status;
    double subsistence;
} Means;

/* The plane of moves in one calendar month, for everyone. */
typedef struct {
    uint64_t key;
    double start, days;
} Plane;

/* Moves and refusals, several a household, and at most `room` in all. */
typedef struct {
    int64_t *house, *answer, *hazard;
    double *time, *flight;
    uint8_t *uprooted, *trapped;
    uint64_t *word;
    int64_t room;
} Events;

/* Who is asked, and the span in days for which they are asked. */
typedef struct {
    const uint32_t *houses;
    const int64_t *classes;
    int64_t *through;  /* [n_houses] working array: rows of those whom the sieves let through */
    double since, until;
    int64_t n_houses, month;
    int64_t n_places, n_padded, n_countries, n_groups, n_classes, n_kinds;
} Step;

typedef struct {
    int64_t place, home, country, home_country, taste, kind, education, kin;
    int64_t members, local;
    int pioneer, child, queued, confined, founded;
} Household;

/* Values under the four combinations of gates: as it is, means unlimited, policy open, both. */
typedef struct {
    double r, m, p, mp;
} Gates;

static inline uint64_t mixed(uint64_t z)
{
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline double unit(uint64_t word)
{
    return ((double)(int64_t)(word >> 12) + 0.5) * (1.0 / 4503599627370496.0);
}

static inline double uniform(uint64_t key, uint64_t who)
{
    return unit(mixed(key ^ who));
}

/* A point of somebody's plane. */
typedef struct {
    double time, height;
    uint64_t word;
} Point;

/* First point after one day and until another, of those below a height; at infinity if there is none. */
static inline Point next_point(const Plane *plane, uint64_t who, double below, double after, double until)
{
    Point first = {INFINITY, 0.0, 0};
    double level = 0.0;
    for (uint64_t word = mixed(plane->key ^ who);; word = mixed(word)) {
        level += -log1p(-unit(word)) * (DAYS_A_YEAR / plane->days);
        if (!(level < (below < HIGHEST ? below : HIGHEST))) return first;
        const double moment = plane->start + plane->days * uniform(TIME, word);
        if (after < moment && moment <= until && moment < first.time) {
            first.time = moment;
            first.height = level;
            first.word = word;
        }
    }
}

static inline int64_t age_of(int64_t month, int64_t born)
{
    int64_t months = month - born;
    return months / 12 - (months % 12 < 0);
}

/* Whether a person is older than another; of the same month, ids decide. */
static inline int is_older(const Persons *persons, int64_t row, int64_t other)
{
    if (persons->born[row] == persons->born[other]) return persons->pid[row] < persons->pid[other];
    return persons->born[row] < persons->born[other];
}

static void who_could_go(const Households *households, const Persons *persons, int64_t house,
                         int64_t month, Household *who)
{
    int64_t pioneer = -1, child = -1;
    for (uint32_t row = persons->next[households->head[house]]; row != NOBODY;
         row = persons->next[row]) {
        const int64_t age = month - persons->born[row];
        if (age >= PIONEER_MONTHS) {
            if (pioneer < 0 || is_older(persons, pioneer, row)) pioneer = row;
        } else if (age >= CHILD_MONTHS) {
            if (child < 0 || is_older(persons, row, child)) child = row;
        }
    }
    who->members = households->size[house];
    who->pioneer = pioneer >= 0;
    who->child = child >= 0;
}

/* Factors of who goes, 0 for whom the household has none. */
typedef struct {
    double whole, others, full, members;
} Companions;

static inline Companions companions_of(const ChoiceTables *tables, int h, const Household *who)
{
    const double *factor = tables->companions + 3 * h;
    Companions it;
    it.whole = factor[0];
    it.others = (who->pioneer ? factor[1] : 0.0) + (who->child ? factor[2] : 0.0);
    it.full = it.whole + it.others;
    it.members = (double)who->members;
    return it;
}

/* Sum over those who can pay: all of them together, or one of them alone. */
static inline double able(const Companions *it, double price, double money)
{
    return (price * it->members <= money ? it->whole : 0.0) + (price <= money ? it->others : 0.0);
}

static inline double as_double(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t as_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* x^exponent without branches, see sim/kernels/power.py. */
static inline double power(double x, double exponent)
{
    const uint64_t one = 0x3FF0000000000000u, root = 0x3FE6A09E667F3BCDu;
    const uint64_t bits = as_bits(x) + (one - root);
    const double e = as_double(bits >> 52 | 0x4330000000000000u) - (4503599627370496.0 + 1023.0);
    const double m = as_double((bits & 0x000FFFFFFFFFFFFFu) + root);
    const double f = (m - 1.0) / (m + 1.0), g = f * f;
    double s = 2.0 / 21.0;
    s = s * g + 2.0 / 19.0;
    s = s * g + 2.0 / 17.0;
    s = s * g + 2.0 / 15.0;
    s = s * g + 2.0 / 13.0;
    s = s * g + 2.0 / 11.0;
    s = s * g + 2.0 / 9.0;
    s = s * g + 2.0 / 7.0;
    s = s * g + 2.0 / 5.0;
    s = s * g + 2.0 / 3.0;
    const double t = exponent * ((2.0 * f + f * g * s) * 1.4426950408889634 + e);
    const double shifted = t + 6755399441055744.0;
    const double r = (t - (shifted - 6755399441055744.0)) * 0.6931471805599453;
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    return x >= 1e-300 ? as_double(as_bits(p) + (as_bits(shifted) << 52)) : 0.0;
}

/* s^mu W(d)^look_ahead, where `known` is that of `same`: most people meet few closed gates. */
static inline double nest(const ChoiceTables *tables, double s, double ahead, double same, double known)
{
    if (s == same) return known;
    return power(s, tables->nest) * ahead;
}

/* Factor of exp(V / mu) of what is about to lose so much by rules that are announced. */
static inline double surge_factor(double loss, double most)
{
    return loss > 0.0 ? exp(loss < most ? loss : most) : 1.0;
}

/* W_h = sum over d of (sum over channels and companions of exp(V / mu))^mu W(d)^look_ahead: as it is,
   which writes the terms `nests`, or if constraints are lifted, which reads them. */
static inline Gates inclusive_values(const ChoiceTables *tables, const Step *step, const Household *who,
                                     int h, double money, const int lifted, double *nests)
{
    const int64_t n = step->n_places, p = who->place, o = who->home, g = who->taste;
    const Companions going = companions_of(tables, h, who);
    const double full = going.full;
    const double *pull = tables->pull + (h * n + o) * n;
    const double *ahead = tables->ahead + (h * n + o) * n;
    const double *ruled_way =
        tables->geography + ((((h * 2 + 0) * step->n_classes + g) * n + p) * n) * 2;
    const double *open_way =
        tables->geography + ((((h * 2 + 1) * step->n_classes + g) * n + p) * n) * 2;
    const double *ruled_price = tables->price + (0 * n + p) * n * 2;
    const double *open_price = tables->price + (1 * n + p) * n * 2;
    const int64_t countries = step->n_countries, kind = who->kind;
    const int64_t grounds = h == FLIGHT || who->founded;
    const int64_t entering = ((h * 2 + grounds) * step->n_kinds + kind) * countries * N_SLOTS;
    const double *admission = tables->admission + entering;
    const double *entry_lost = tables->surge_entry + entering;
    const double *way_lost = tables->surge_way + (g * n + p) * n;
    const int64_t *later = tables->surge_min_education + kind * countries * N_SLOTS;
    const double *admitted = tables->admitted + h * countries * N_SLOTS;
    const double *fee = tables->fee + kind * countries * N_SLOTS;
    const int64_t *schooling = tables->min_education + kind * countries * N_SLOTS;
    Gates w = {0.0, 0.0, 0.0, 0.0};

    for (int64_t d = 0; d < n; d++) {
        if (!lifted) nests[d] = 0.0;
        if (pull[d] == 0.0) continue;
        const int64_t country = tables->country[d];
        const int within = country == who->country, own = country == who->home_country;
        const int bloc = tables->free_movement[who->home_country * countries + country];
        if (d != p && (within || own || bloc)) {
            /* Within the country of stay or a bloc, or back to the place of origin: nobody's leave. */
            if (own && within && who->confined && h == FLIGHT) continue;
            if (own && !within && d != o) continue;
            double x = ruled_way[2 * d] * pull[d];
            if (d == o)
                x *= tables->homeward[h];
            else if (!within)
                x *= admitted[country * N_SLOTS + LABOUR];
            if (x <= 0.0) continue;
            const double here = x * able(&going, ruled_price[2 * d], money);
            if (!lifted) {
                nests[d] = here;
                continue;
            }
            const double rich = nest(tables, x * full, ahead[d], here, nests[d]);
            w.p += nests[d];
            w.m += rich;
            w.mp += rich;
            continue;
        }
        if (d == p && who->local == 0) continue;
        Gates s = {0.0, 0.0, 0.0, 0.0};
        for (int slot = 0; slot < N_SLOTS; slot++) {
            if (d == p && (slot < ASYLUM || (slot == IRREGULAR && who->local < 2))) continue;
            const int64_t by_legs = slot >= ASYLUM, at = country * N_SLOTS + slot;
            double x = lifted ? open_way[2 * d + by_legs] * pull[d] * admitted[at] : 0.0;
            double ruled = ruled_way[2 * d + by_legs] * pull[d] * admission[at];
            if (slot < ASYLUM && (who->queued || who->education < schooling[at])) ruled = 0.0;
            if (slot == FAMILY && who->kin != country + 1) ruled = 0.0;
            if (tables->surge_pending && ruled > 0.0) {
                double loss = entry_lost[at];
                if (by_legs)
                    loss += way_lost[d];
                else if (who->education < later[at])
                    loss = INFINITY;
                const double gain = surge_factor(loss, tables->surge_most);
                x *= gain;
                ruled *= gain;
            }
            if (x > 0.0) {
                s.mp += x * full;
                s.p += x * able(&going, open_price[2 * d + by_legs], money);
            }
            if (ruled <= 0.0) continue;
            s.r += ruled * able(&going, ruled_price[2 * d + by_legs] + fee[at], money);
            if (lifted) s.m += ruled * full;
        }
        if (!lifted) {
            nests[d] = s.r;
        } else if (s.mp > 0.0) {
            const double all = nest(tables, s.mp, ahead[d], s.r, nests[d]);
            w.mp += all;
            w.p += s.p == s.mp ? all : nest(tables, s.p, ahead[d], s.r, nests[d]);
            w.m += s.m == s.mp ? all : nest(tables, s.m, ahead[d], s.r, nests[d]);
        }
    }
    if (lifted) return w;
    for (int64_t d = 0; d < step->n_padded; d++) nests[d] = power(nests[d], tables->nest);
    for (int64_t d = 0; d < n; d++) w.r += nests[d] *= ahead[d];
    return w;
}

/* Rate with both constraints. */
static double rate_as_ruled(const ChoiceTables *tables, const Step *step, const Household *who, int h,
                            double base, double money, double *nests)
{
    if (base <= 0.0) return 0.0;
    return base * pow(inclusive_values(tables, step, who, h, money, 0, nests).r, tables->inclusive);
}

/* Rates without the means constraint, without the permission constraint, and with neither. */
static Gates rates_if_lifted(const ChoiceTables *tables, const Step *step, const Household *who, int h,
                             double base, double money, double *nests)
{
    Gates rate = {0.0, 0.0, 0.0, 0.0};
    if (base <= 0.0) return rate;
    const Gates w = inclusive_values(tables, step, who, h, money, 1, nests);
    rate.m = base * pow(w.m, tables->inclusive);
    rate.p = base * pow(w.p, tables->inclusive);
    rate.mp = base * pow(w.mp, tables->inclusive);
    return rate;
}

static Household describe(const Households *households, const Persons *persons,
                          const ChoiceTables *tables, const Conditions *conditions,
                          const Step *step, int64_t house)
{
    const uint8_t traits = persons->traits[households->head[house]];
    Household who;
    who.place = households->place[house];
    who.home = households->home[house];
    who.country = tables->country[who.place];
    who.home_country = tables->country[who.home];
    who.taste = traits >> 4;
    who.kind = step->classes[households->citizenship[house] * step->n_groups + households->group[house]];
    who.education = traits >> 1 & 3;
    who.kin = households->kin[house];
    who.founded = (households->flags[house] & GROUNDS) != 0;
    who.queued = households->activity[house] == WAITING;
    who.confined = conditions->by_state[who.place * 8 + (households->mask[house] >> 4)];
    if (who.country == who.home_country)
        who.local = 0;
    else if (households->activity[house] == STRANDED)
        who.local = 2;
    else
        who.local = households->status[house] == IRREGULAR_STATUS;
    who_could_go(households, persons, house, step->month, &who);
    return who;
}

static double secure_means(const Means *means, int64_t place, int64_t rank, int64_t status,
                           int64_t members)
{
    double share = (double)means->share[place * 4096 + rank / 16];
    double earned = means->income[place] * means->status[place * N_STATUS + status] * share - means->subsistence;
    return (double)members * ((earned > 0.0 ? earned : 0.0) + means->support[place]);
}

/* How settled a household is where it lives, 0 to 1: citizens at once, others as their status lets. */
static inline double settled(const Conditions *conditions, int64_t place, int64_t status,
                             double since)
{
    if (status == CITIZEN) return 1.0;
    return 1.0 - exp(-since * conditions->settling[place * N_STATUS + status]);
}

static inline int64_t age_row(int64_t month, int64_t born)
{
    const int64_t age = age_of(month, born);
    return age < 0 ? 0 : age >= N_AGES ? N_AGES - 1 : age;
}

/* Row of `want` and `fear` for a time; times beyond them count as their first or last day. */
static inline int64_t day_of(const Conditions *conditions, double now)
{
    const int64_t day = (int64_t)now - conditions->first_day;
    return day < 0 ? 0 : day >= conditions->n_days ? conditions->n_days - 1 : day;
}

/* Rates of the two hazards for W = 1. */
typedef struct {
    double livelihood, flight;
} Factors;

/* `rested` and `stayed` are years since the last move: for the pause after it, and for settling. */
static inline Factors rate_factors(const Households *households, const Persons *persons,
                                   const Conditions *conditions, int64_t month, int64_t house,
                                   double want, double fear, double rested, double stayed)
{
    const int64_t p = households->place[house], status = households->status[house];
    const int64_t age = age_row(month, persons->born[households->head[house]]);
    const double pause = 1.0 - conditions->pause_depth * exp(-rested / conditions->pause);
    Factors it;
    it.livelihood = conditions->livelihood[p * N_STATUS + status] * want;
    it.livelihood *= conditions->age[age] * pause;
    if (p == households->home[house])
        it.livelihood *= conditions->at_home;
    else
        it.livelihood *= exp(-conditions->attachment * settled(conditions, p, status, stayed));
    it.flight = conditions->flight * conditions->age[N_AGES + age] * fear;
    return it;
}

/* Upper bound of R_MP on all days: no constraint, all kinds of companions, no pause after a move. */
static inline double rate_bound(const Households *households, const Persons *persons,
                                const Conditions *conditions, const Step *step, int64_t house)
{
    const int64_t n = step->n_places, p = households->place[house], o = households->home[house];
    const int64_t head = households->head[house], mask = households->mask[house];
    const int64_t age = age_row(step->month, persons->born[head]);
    const int64_t cell = (p * n + o) * step->n_classes + (persons->traits[head] >> 4);
    double livelihood = conditions->livelihood[p * N_STATUS + households->status[house]];
    livelihood *= p == o ? conditions->at_home : 1.0;
    livelihood *= conditions->most_want[p * 16 + (mask & 15)];
    const double flight =
        conditions->flight * conditions->most_fear[p * 8 + (mask >> 4)] * conditions->age[N_AGES + age];
    return livelihood * conditions->age[age] * conditions->bound[cell]
           + flight * conditions->bound[n * n * step->n_classes + cell];
}

/* Factor of W^lam for who can go: (its factor / the greatest there is)^(mu lam). */
static inline double in_company(const ChoiceTables *tables, int h, const Household *who)
{
    return tables->together[4 * h + 2 * who->pioneer + who->child];
}

/* A closer bound, from the household's own members and its last move: the pause after it counts as
   of the end of the span, and how settled it is as of the start. */
static inline double close_bound(const Households *households, const Persons *persons,
                                 const ChoiceTables *tables, const Conditions *conditions,
                                 const Step *step, int64_t house, const Household *who,
                                 double since, double until)
{
    const int64_t n = step->n_places, p = who->place, mask = households->mask[house];
    const int64_t cell = (p * n + who->home) * step->n_classes + who->taste;
    const double ago = since - households->moved[house];
    const Factors top = rate_factors(
        households, persons, conditions, step->month, house,
        conditions->most_want[p * 16 + (mask & 15)], conditions->most_fear[p * 8 + (mask >> 4)],
        (until - households->moved[house]) / DAYS_A_YEAR, (ago > 0.0 ? ago : 0.0) / DAYS_A_YEAR);
    return top.livelihood * conditions->bound[cell] * in_company(tables, LIVELIHOOD, who)
           + top.flight * conditions->bound[n * n * step->n_classes + cell]
                 * in_company(tables, FLIGHT, who);
}

/* List the rows of households that may have a point below their rate; returns how many.
   The lowest point is at -ln(1 - u) / years, which is at least u / years. */
int64_t sieve(const Households *households, const Persons *persons, const Conditions *conditions,
              const Plane *plane, const Step *step)
{
    const double years = plane->days / DAYS_A_YEAR * MARGIN;
    int64_t *through = step->through, end = 0, n = 0;
    for (int64_t i = 0; i < step->n_houses; i++) {
        const int64_t house = step->houses[i], p = households->place[house];
        const int from_here = p == households->home[house];
        const double most = conditions->most[(p * 2 + from_here) * 128 + households->mask[house]];
        through[end] = house;
        end += !(uniform(plane->key, households->ident[house]) > most * years);
    }
    for (int64_t j = 0; j < end; j++) {
        const int64_t house = through[j];
        const double u = uniform(plane->key, households->ident[house]);
        through[n] = house;
        n += !(u > rate_bound(households, persons, conditions, step, house) * years);
    }
    return n;
}

/* Answer those whom the sieves let through. Returns the number of events, or -1 for want of room. */
static int64_t decide(const Households *households, const Persons *persons,
                      const ChoiceTables *tables, const Conditions *conditions, const Means *means,
                      const Plane *plane, const Step *step, int64_t n, const Events *events)
{
    int64_t at = 0;
    double nests[2 * step->n_padded];
    memset(nests, 0, sizeof nests);
    for (int64_t j = 0; j < n; j++) {
        const int64_t house = step->through[j], p = households->place[house];
        const double since = step->since, until = step->until, money = households->means[house];
        const Household who = describe(households, persons, tables, conditions, step, house);
        const double bound = MARGIN
                             * close_bound(households, persons, tables, conditions, step, house, &who,
                                           since, until);
        double now = since;
        for (int moves = 0; !moves;) {
            const Point point = next_point(plane, households->ident[house], bound, now, until);
            if (point.time == INFINITY) break;
            now = point.time;

            /* The full answer, with the factors of this day. */
            const int64_t row = day_of(conditions, now) * step->n_places + p;
            const double want = conditions->want[row * 16 + (households->mask[house] & 15)];
            const double fear = conditions->fear[row * 8 + (households->mask[house] >> 4)];
            const double ago = (now - households->moved[house]) / DAYS_A_YEAR;
            const Factors base = rate_factors(households, persons, conditions, step->month, house, want,
                                              fear, ago, ago);
            const double live_r =
                rate_as_ruled(tables, step, &who, LIVELIHOOD, base.livelihood, money, nests);
            const double flee_r = rate_as_ruled(tables, step, &who, FLIGHT, base.flight, money,
                                                nests + step->n_padded);
            const double r = live_r + flee_r;
            Gates live, flee;
            double r_mp = r;
            if (point.height >= r) {
                live = rates_if_lifted(tables, step, &who, LIVELIHOOD, base.livelihood, money, nests);
                flee = rates_if_lifted(tables, step, &who, FLIGHT, base.flight, money,
                                       nests + step->n_padded);
                r_mp = live.mp + flee.mp;
                if (point.height >= r_mp) continue;
            }

            if (at == events->room) return -1;
            events->house[at] = house;
            events->time[at] = now;
            events->word[at] = point.word;
            events->uprooted[at] = 0;
            events->trapped[at] = 0;
            events->flight[at] = 0.0;
            events->hazard[at] = LIVELIHOOD;
            if (point.height < r) {
                /* Without present threats; and, of the uprooted, as if they were settled again. */
                const double calm = live_r / want;
                double chosen = calm;
                if (households->uprooted[house])
                    chosen *= exp(-conditions->attachment
                                  * (1.0 - settled(conditions, p, households->status[house], ago)));
                moves = 1;
                events->answer[at] = point.height < chosen ? CHOICE : NECESSITY;
                if (point.height >= chosen && point.height < calm) events->uprooted[at] = 1;
                if (!(point.height < calm)) {
                    events->flight[at] = flee_r / (r - calm);
                    if (point.height - calm < flee_r) events->hazard[at] = FLIGHT;
                }
            } else {
                const double gap = r_mp - r;
                const double gain = (live.m + flee.m - r) + (r_mp - (live.p + flee.p));
                const double share = gap > 0.0 ? 0.5 * gain / gap : 0.0;
                events->answer[at] = uniform(LABEL, point.word) < share ? NO_MEANS : NO_PERMISSION;
                /* Trapped: with the means of a secure place they would have moved. */
                const double secure =
                    secure_means(means, p, households->rank[house], households->status[house],
                                 who.members);
                if (secure > money) {
                    const double able = rate_as_ruled(tables, step, &who, LIVELIHOOD,
                                                      base.livelihood, secure, nests);
                    events->trapped[at] = point.height < able / want;
                }
            }
            at++;
        }
    }
    return at;
}

/* Sieve, then decide. Returns the number of events, or -1 for want of room. */
int64_t answer(const Households *households, const Persons *persons, const ChoiceTables *tables,
               const Conditions *conditions, const Means *means, const Plane *plane,
               const Step *step, const Events *events)
{
    const int64_t n = sieve(households, persons, conditions, plane, step);
    return decide(households, persons, tables, conditions, means, plane, step, n, events);
}
