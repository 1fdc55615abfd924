"""How far two points lie from each other, in integers, so that every engine says the same.

The ground is taken for flat between them: degrees of latitude are 111,000 m, those of longitude a polynomial in the latitude half-way, in hundredths
of a degree. In China (3° to 54°) that is within 0.3 % of the ellipsoid's, plus a metre of rounding. Past 180° of longitude nothing is joined up.
"""

from math import isqrt

# Degrees are held in millionths.
LAT_LIMIT, LON_LIMIT = 90_000_000, 180_000_000
HUNDREDTHS = 20_000  # of the sum of two latitudes: hundredths of a degree of the one half-way
NORTH = 111_000  # metres in a degree of latitude
# Metres in a degree of longitude at h hundredths, y = h²: EAST − y·(FIRST − y·SECOND // 10⁸) // 10⁹, fitted from 3° to 54°.
EAST, FIRST, SECOND = 111_300, 1_680_000, 384_000


def metres(lat: int, lon: int, to_lat: int, to_lon: int) -> int | None:
    """Whole metres, rounded down; None where one of them is no point on Earth."""
    if max(abs(lat), abs(to_lat)) > LAT_LIMIT or max(abs(lon), abs(to_lon)) > LON_LIMIT:
        return None
    y = (abs(lat + to_lat) // HUNDREDTHS) ** 2
    degree = EAST - y * (FIRST - y * SECOND // 10**8) // 10**9
    north = (abs(lat - to_lat) * NORTH + 500_000) // 1_000_000
    east = (abs(lon - to_lon) * degree + 500_000) // 1_000_000
    return isqrt(north * north + east * east)
