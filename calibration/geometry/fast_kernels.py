"""The arithmetic of one instant, compiled: 33 joints in four views take 0.1 ms instead of 10 ms.

numpy spends its 10 ms on overhead. Each kernel computes what a function over whole recordings
computes, point by point; that function is its reference, and property tests compare the two:

======================= ==========================================================================
kernel                  reference
======================= ==========================================================================
undistort_all           `projection.undistort_pixels`
project_all             `projection.project`
triangulate_all         `triangulation.triangulate`
triangulate_all_robust  `triangulation.triangulate_robust`
predict_errors          `noise.estimate_sigma_px` and `noise.compute_gate_px` of one frameset
solve_person            these, one after the other, and the confidence of
                        `engine.reconstruction.reconstruct`
compare_people          the median distance of limbs from where they should be
find_best_pair          all pairs of people of two views, triangulated and compared
======================= ==========================================================================

All kernels are in this one file of 535 lines because numba checks only a kernel's own file to find
that cached machine code is out of date. Constants of other files are arguments for the same reason.
"""

# pyright: basic

import math

import numpy as np

from calibration.geometry.fast_compile import jit_kernel

UNDISTORT_STEPS = 12
UNDISTORT_TOLERANCE = 1e-15  # a step of Newton's that is smaller changes nothing more
DEPTH_EPSILON_M = 1e-6


@jit_kernel
def undistort_ray(x, y, lens):
    """Undistort one ray; NaN where the lens model folds over."""
    k1 = lens[0]
    k2 = lens[1]
    p1 = lens[2]
    p2 = lens[3]
    k3 = lens[4]
    if k1 == 0 and k2 == 0 and p1 == 0 and p2 == 0 and k3 == 0:
        return x, y
    u, v = x, y
    for step in range(UNDISTORT_STEPS + 1):
        r2 = u * u + v * v
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        slope = 2 * (k1 + r2 * (2 * k2 + 3 * k3 * r2))
        miss_x = u * radial + 2 * p1 * u * v + p2 * (r2 + 2 * u * u) - x
        miss_y = v * radial + p1 * (r2 + 2 * v * v) + 2 * p2 * u * v - y
        a = radial + u * u * slope + 2 * p1 * v + 6 * p2 * u
        b = u * v * slope + 2 * p1 * u + 2 * p2 * v
        d = radial + v * v * slope + 6 * p1 * v + 2 * p2 * u
        determinant = a * d - b * b
        if step == UNDISTORT_STEPS or abs(miss_x) + abs(miss_y) < UNDISTORT_TOLERANCE:
            if max(abs(miss_x), abs(miss_y)) < 1e-6 and determinant > 0 and a + d > 0:
                return u, v
            return math.nan, math.nan
        if not abs(determinant) > 1e-6:
            return math.nan, math.nan
        u -= (d * miss_x - b * miss_y) / determinant
        v -= (a * miss_y - b * miss_x) / determinant
    return math.nan, math.nan


@jit_kernel
def undistort_all(xy, cameras):
    """Turn pixels (V, N, 2) into ideal rays (V, N, 2) of their cameras."""
    rays = np.empty(xy.shape)
    for v in range(xy.shape[0]):
        for n in range(xy.shape[1]):
            ray_from_pixel(xy[v, n], cameras, v, rays[v, n])
    return rays


@jit_kernel
def ray_from_pixel(xy, cameras, v, ray):
    """Turn one pixel of a camera into its ideal ray."""
    inverse, matrix = cameras.inverse_matrix[v], cameras.matrix[v]
    x, y = xy[0] - matrix[0, 2], xy[1] - matrix[1, 2]
    bent_x = inverse[0, 0] * x + inverse[0, 1] * y
    bent_y = inverse[1, 0] * x + inverse[1, 1] * y
    ray[0], ray[1] = undistort_ray(bent_x, bent_y, cameras.distortion[v])


@jit_kernel
def project_all(xyz, cameras):
    """Project points (N, 3) into every camera, (V, N, 2) px; NaN behind it."""
    image = np.full((cameras.R.shape[0], xyz.shape[0], 2), np.nan)
    for v in range(image.shape[0]):
        matrix, lens = cameras.matrix[v], cameras.distortion[v]
        k1 = lens[0]
        k2 = lens[1]
        p1 = lens[2]
        p2 = lens[3]
        k3 = lens[4]
        for n in range(xyz.shape[0]):
            x, y, z = to_camera_frame(xyz[n], cameras, v)
            if z > 1e-9:
                x, y = x / z, y / z
                r2 = x * x + y * y
                radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
                bent_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
                bent_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
                image[v, n, 0] = matrix[0, 0] * bent_x + matrix[0, 1] * bent_y + matrix[0, 2]
                image[v, n, 1] = matrix[1, 0] * bent_x + matrix[1, 1] * bent_y + matrix[1, 2]
    return image


@jit_kernel
def to_camera_frame(point, cameras, v):
    """Describe a point of the world in the frame of a camera."""
    R, t = cameras.R[v], cameras.t[v]
    x = R[0, 0] * point[0] + R[0, 1] * point[1] + R[0, 2] * point[2] + t[0]
    y = R[1, 0] * point[0] + R[1, 1] * point[1] + R[1, 2] * point[2] + t[1]
    z = R[2, 0] * point[0] + R[2, 1] * point[1] + R[2, 2] * point[2] + t[2]
    return x, y, z


@jit_kernel
def solve_symmetric(A, b, x):
    """Solve ``A x = b`` for a positive definite A (3, 3), by LDL'."""
    d0 = A[0, 0]
    l10, l20 = A[1, 0] / d0, A[2, 0] / d0
    d1 = A[1, 1] - l10 * A[1, 0]
    rest = A[2, 1] - l20 * A[1, 0]
    l21 = rest / d1
    d2 = A[2, 2] - l20 * A[2, 0] - l21 * rest
    y1 = b[1] - l10 * b[0]
    y2 = b[2] - l20 * b[0] - l21 * y1
    x[2] = y2 / d2
    x[1] = y1 / d1 - l21 * x[2]
    x[0] = b[0] / d0 - l10 * x[1] - l20 * x[2]


@jit_kernel
def triangulate_point(rays, weight, cameras, work, point):
    """Find the point (3,) on rays (V, 2) with weights (V,); NaN from fewer than two."""
    A, b = work
    A[:], b[:] = 0.0, 0.0
    view_count = 0
    for v in range(rays.shape[0]):
        if not weight[v] > 0:
            continue
        view_count += 1
        R, t = cameras.R[v], cameras.t[v]
        w = weight[v] * cameras.focal[v] ** 2
        for axis in range(2):
            ray = rays[v, axis]
            p0 = ray * R[2, 0] - R[axis, 0]
            p1 = ray * R[2, 1] - R[axis, 1]
            p2 = ray * R[2, 2] - R[axis, 2]
            offset = w * (t[axis] - ray * t[2])
            A[0, 0] += w * p0 * p0
            A[1, 0] += w * p1 * p0
            A[1, 1] += w * p1 * p1
            A[2, 0] += w * p2 * p0
            A[2, 1] += w * p2 * p1
            A[2, 2] += w * p2 * p2
            b[0] += offset * p0
            b[1] += offset * p1
            b[2] += offset * p2
    if view_count < 2:
        point[:] = np.nan
        return
    damping = 1e-12 * (A[0, 0] + A[1, 1] + A[2, 2])
    for i in range(3):
        A[i, i] += damping
    solve_symmetric(A, b, point)


@jit_kernel
def triangulate_all(xy, weight, cameras):
    """Triangulate points from images (V, N, 2) px with weights (V, N), to (N, 3)."""
    rays = undistort_all(xy, cameras)
    V, N = weight.shape
    found, usable = np.empty((N, 3)), np.empty(V)
    work = (np.empty((3, 3)), np.empty(3))
    for n in range(N):
        for v in range(V):
            usable[v] = (
                weight[v, n]
                if math.isfinite(rays[v, n, 0]) and math.isfinite(rays[v, n, 1])
                else 0.0
            )
        triangulate_point(rays[:, n], usable, cameras, work, found[n])
    return found


@jit_kernel
def measure_errors(point, rays, cameras, error, depth):
    """Measure the distance from rays (V, 2), undistorted px, and the depth in every camera."""
    for v in range(rays.shape[0]):
        x, y, depth[v] = to_camera_frame(point, cameras, v)
        z = depth[v] if abs(depth[v]) > DEPTH_EPSILON_M else DEPTH_EPSILON_M
        error[v] = math.hypot(x / z - rays[v, 0], y / z - rays[v, 1]) * cameras.focal[v]


@jit_kernel
def linearise_point(point, rays, weight, cameras, work):
    """Fill information (3, 3) and gradient (3,) of the whitened reprojection error at a point."""
    A, b = work
    A[:], b[:] = 0.0, 0.0
    for v in range(rays.shape[0]):
        if not weight[v] > 0:
            continue
        R = cameras.R[v]
        x, y, z = to_camera_frame(point, cameras, v)
        z = z if abs(z) > DEPTH_EPSILON_M else DEPTH_EPSILON_M
        scale = cameras.focal[v] / z
        for axis in range(2):
            at = (x if axis == 0 else y) / z
            j0 = R[axis, 0] - at * R[2, 0]
            j1 = R[axis, 1] - at * R[2, 1]
            j2 = R[axis, 2] - at * R[2, 2]
            w = weight[v] * scale * scale
            residual = weight[v] * scale * (at - rays[v, axis]) * cameras.focal[v]
            A[0, 0] += w * j0 * j0
            A[1, 0] += w * j1 * j0
            A[1, 1] += w * j1 * j1
            A[2, 0] += w * j2 * j0
            A[2, 1] += w * j2 * j1
            A[2, 2] += w * j2 * j2
            b[0] += residual * j0
            b[1] += residual * j1
            b[2] += residual * j2


@jit_kernel
def refine_point(point, rays, weight, cameras, work):
    """Move a point by one Gauss-Newton step, where there is one."""
    A, b = work
    linearise_point(point, rays, weight, cameras, work)
    trace = A[0, 0] + A[1, 1] + A[2, 2]
    if not (math.isfinite(trace) and trace > 0):
        return
    for i in range(3):
        A[i, i] += 1e-9 * trace + 1e-12
    step = np.empty(3)
    solve_symmetric(A, b, step)
    for i in range(3):
        point[i] -= step[i]


@jit_kernel
def measure_support(rays, weight, cameras, limits, chosen):
    """Triangulate from chosen views; return which views agree, and the truncated cost."""
    gate, nearest = limits
    V = rays.shape[0]
    kept = np.zeros(V)
    error = np.empty(V)
    depth = np.empty(V)
    agree = np.zeros(V, np.bool_)
    point = np.empty(3)
    for v in range(V):
        kept[v] = weight[v] if chosen[v] else 0.0
    triangulate_point(rays, kept, cameras, (np.empty((3, 3)), np.empty(3)), point)
    measure_errors(point, rays, cameras, error, depth)
    cost, both = 0.0, 0
    for v in range(V):
        if weight[v] > 0:
            agree[v] = error[v] < gate and depth[v] > nearest
            cost += (error[v] / gate) ** 2 if agree[v] else 1.0
            both += agree[v] and chosen[v]
    return agree, (cost if both >= 2 else math.inf)


@jit_kernel
def find_best_subset(rays, weight, cameras, limits):
    """Choose the views (V,) that agree with one another, by truncated reprojection error."""
    seen = weight > 0
    best, lowest = measure_support(rays, weight, cameras, limits, seen)
    if not lowest > 0.5 * seen.sum() and (best == seen).all():
        return best
    for s in range(cameras.subsets.shape[0]):
        chosen = cameras.subsets[s]
        if (chosen & ~seen).any():
            continue
        agree, cost = measure_support(rays, weight, cameras, limits, chosen)
        if cost < lowest - 1e-9:
            best, lowest = agree, cost
    return best


@jit_kernel
def find_largest_sine(point, used, cameras):
    """Sine of the largest angle at which two used rays meet."""
    largest = 0.0
    for a in range(used.shape[0]):
        for b in range(a + 1, used.shape[0]):
            if used[a] and used[b]:
                one = point - cameras.centre[a]
                other = point - cameras.centre[b]
                c0 = one[1] * other[2] - one[2] * other[1]
                c1 = one[2] * other[0] - one[0] * other[2]
                c2 = one[0] * other[1] - one[1] * other[0]
                scale = math.sqrt((one * one).sum() * (other * other).sum())
                largest = max(largest, math.sqrt(c0 * c0 + c1 * c1 + c2 * c2) / scale)
    return largest


@jit_kernel
def triangulate_point_robust(rays, weight, cameras, rules, found):
    """Find one point that most views agree on, and fill `found`.

    `found`: point (3,), covariance (3, 3), used (V,) and error (V,) px; `rules`: gate px, nearest
    depth m, least sine between rays, steps of refinement.
    """
    gate, nearest, min_sine, steps = rules
    point, covariance, used, error = found
    used[:] = find_best_subset(rays, weight, cameras, (gate, nearest))
    work = (np.empty((3, 3)), np.empty(3))
    depth = np.empty(rays.shape[0])
    kept = np.where(used, weight, 0.0)
    triangulate_point(rays, kept, cameras, work, point)
    for _ in range(steps):
        refine_point(point, rays, kept, cameras, work)
    measure_errors(point, rays, cameras, error, depth)
    used &= (error < gate) & (depth > nearest)
    if used.sum() >= 2 and find_largest_sine(point, used, cameras) > min_sine:
        linearise_point(point, rays, np.where(used, weight, 0.0), cameras, work)
        unit = np.zeros(3)
        for i in range(3):
            work[0][i, i] += 1e-12
        for i in range(3):
            unit[:] = 0.0
            unit[i] = 1.0
            solve_symmetric(work[0], unit, covariance[i])
    else:
        point[:], covariance[:], used[:] = np.nan, np.nan, False
    for v in range(rays.shape[0]):
        error[v] = error[v] if weight[v] > 0 else np.nan


@jit_kernel
def triangulate_all_robust(xy, sigma, gate, cameras, rules):
    """Find points that most views agree on, from images (V, N, 2) px.

    `sigma` (V, N) px, infinite where not seen; `gate` (N,) px; `rules`: nearest depth, least sine,
    refining steps.
    """
    V, N = sigma.shape
    nearest, min_sine, steps = rules
    rays = undistort_all(xy, cameras)
    xyz, covariance = np.empty((N, 3)), np.empty((N, 3, 3))
    used, error = np.zeros((N, V), np.bool_), np.empty((N, V))
    weight, ray = np.empty(V), np.empty((V, 2))
    for n in range(N):
        for v in range(V):
            x, y = rays[v, n, 0], rays[v, n, 1]
            counts = math.isfinite(x) and math.isfinite(y) and math.isfinite(sigma[v, n])
            weight[v] = 1 / sigma[v, n] ** 2 if counts else 0.0
            ray[v, 0], ray[v, 1] = x if math.isfinite(x) else 0.0, y if math.isfinite(y) else 0.0
        found = (xyz[n], covariance[n], used[n], error[n])
        triangulate_point_robust(ray, weight, cameras, (gate[n], nearest, min_sine, steps), found)
    return xyz, covariance, used, error


@jit_kernel
def measure_torso_length(xy, seen, noise):
    """Length in px of the torso of xy (J, 2), were it parallel to the image; NaN if unknown."""
    left, right = noise.torso[0], noise.torso[1]
    longest = -math.inf
    if seen[left[0]] and seen[right[0]]:
        longest = noise.parameters[3] * distance(xy[left[0]], xy[right[0]])
        if seen[left[1]] and seen[right[1]]:
            shoulders = (xy[left[0]] + xy[right[0]]) / 2
            hips = (xy[left[1]] + xy[right[1]]) / 2
            longest = max(longest, distance(shoulders, hips))
    for side in range(2):
        hip = noise.torso[side, 1]
        knee = noise.torso[side, 2]
        ankle = noise.torso[side, 3]
        if seen[hip] and seen[knee] and seen[ankle]:
            leg = distance(xy[hip], xy[knee]) + distance(xy[knee], xy[ankle])
            longest = max(longest, noise.parameters[4] * leg)
    return longest if longest > -math.inf else math.nan


@jit_kernel
def distance(one, other):
    """Distance of two points of an image."""
    return math.hypot(one[0] - other[0], one[1] - other[1])


@jit_kernel
def predict_errors(xy, confidence, noise):
    """Estimate each joint's error (V, J), infinite where not seen, and gate (J,), both px."""
    V, J = confidence.shape
    of_torso = noise.parameters[0]
    min_sigma = noise.parameters[1]
    gate_sigmas = noise.parameters[2]
    min_confidence = noise.parameters[5]
    sigma, gate = np.full((V, J), np.inf), np.full(J, min_sigma)
    seen = np.empty(J, np.bool_)
    for v in range(V):
        for j in range(J):
            finite = math.isfinite(xy[v, j, 0]) and math.isfinite(xy[v, j, 1])
            seen[j] = finite and confidence[v, j] > 0
        torso = measure_torso_length(xy[v], seen, noise)
        if math.isnan(torso):
            continue
        for j in range(J):
            if seen[j] and confidence[v, j] >= min_confidence:
                doubt = np.interp(
                    confidence[v, j], noise.confidence_knots, noise.confidence_factors
                )
                sigma[v, j] = max(of_torso * torso, min_sigma) * noise.factor[j] * doubt
                gate[j] = max(gate[j], gate_sigmas * sigma[v, j])
    return sigma, gate


@jit_kernel
def combine_confidence(confidence, sigma, used, error):
    """Mean confidence (J,) of the views that carry a joint, less where they disagree."""
    V, J = confidence.shape
    trusted = np.zeros(J)
    for j in range(J):
        seen, squared, view_count = 0.0, 0.0, 0
        for v in range(V):
            if used[j, v]:
                seen += confidence[v, j]
                squared += (error[j, v] / sigma[v, j]) ** 2
                view_count += 1
        if view_count:
            trusted[j] = seen / view_count * math.exp(-squared / view_count / 16)
    return trusted


@jit_kernel
def solve_person(xy, confidence, cameras, noise, rules):
    """Solve joints (V, J, 2) px: points, covariances, views used and confidence."""
    sigma, gate = predict_errors(xy, confidence, noise)
    xyz, covariance, used, error = triangulate_all_robust(xy, sigma, gate, cameras, rules)
    return xyz, covariance, used, combine_confidence(confidence, sigma, used, error)


@jit_kernel
def measure_median_sigmas(xy, confidence, order, image, likeness):
    """Median distance of joints `order` of (J, 2) from expected places (L, 2), in sigmas."""
    min_confidence, sigma_of_height, min_joints = likeness.parameters
    errors = np.empty(order.shape[0])
    count, top, bottom = 0, math.inf, -math.inf
    for i in range(order.shape[0]):
        x, y = xy[order[i], 0], xy[order[i], 1]
        if not (confidence[order[i]] >= min_confidence and math.isfinite(x) and math.isfinite(y)):
            continue
        top, bottom = min(top, y), max(bottom, y)
        error = math.hypot(x - image[i, 0], y - image[i, 1])
        if math.isfinite(error):
            errors[count] = error
            count += 1
    if count < min_joints:
        return math.inf
    return np.median(errors[:count]) / max(sigma_of_height * (bottom - top + 1), 1.0)


@jit_kernel
def compare_people(xy, confidence, view, image, likeness):
    """Compare people (C, J, 2) with places (V, L, 2): as seen, and with sides exchanged."""
    far = np.empty((xy.shape[0], 2))
    for c in range(xy.shape[0]):
        far[c, 0] = measure_median_sigmas(
            xy[c], confidence[c], likeness.joints, image[view[c]], likeness
        )
        far[c, 1] = measure_median_sigmas(
            xy[c], confidence[c], likeness.mirrored_joints, image[view[c]], likeness
        )
    return far


@jit_kernel
def triangulate_limbs(rays_of_all, confidence, view, pair, cameras, likeness):
    """Triangulate limbs (L, 3) from rays of two views; `pair`: one, other, if exchanged."""
    one, other, exchanged = pair
    order = likeness.mirrored_joints if exchanged else likeness.joints
    V, L = cameras.R.shape[0], order.shape[0]
    min_confidence = likeness.parameters[0]
    rays = np.zeros((V, 2))
    weight = np.zeros(V)
    limbs = np.full((L, 3), np.nan)
    work = (np.empty((3, 3)), np.empty(3))
    a, b = view[one], view[other]
    for i in range(L):
        j, k = likeness.joints[i], order[i]
        good = math.isfinite(rays_of_all[one, j].sum() + rays_of_all[other, k].sum())
        if good and confidence[one, j] >= min_confidence and confidence[other, k] >= min_confidence:
            weight[a], weight[b] = 1.0, 1.0
            rays[a], rays[b] = rays_of_all[one, j], rays_of_all[other, k]
            triangulate_point(rays, weight, cameras, work, limbs[i])
    return limbs


@jit_kernel
def find_best_pair(xy, confidence, view, cameras, likeness, gate):
    """Find the two people of two views that are one, by how well all views agree.

    Returns whether there are such two among the people (C, J, 2), and their limbs in the room (L,
    3). A view that shows nobody near the place counts as `gate` sigmas.
    """
    C, V = xy.shape[0], cameras.R.shape[0]
    rays = np.empty(xy.shape)
    for c in range(C):
        for j in range(xy.shape[1]):
            ray_from_pixel(xy[c, j], cameras, view[c], rays[c, j])
    best = np.full((likeness.joints.shape[0], 3), np.nan)
    lowest = math.inf
    nearest = np.empty(V)
    for one in range(C):
        for other in range(one + 1, C):
            if view[one] == view[other]:
                continue
            for exchanged in (False, True):
                pair = (one, other, exchanged)
                limbs = triangulate_limbs(rays, confidence, view, pair, cameras, likeness)
                image = project_all(limbs, cameras)
                order = likeness.mirrored_joints if exchanged else likeness.joints
                cost = measure_median_sigmas(
                    xy[one], confidence[one], likeness.joints, image[view[one]], likeness
                )
                cost += measure_median_sigmas(
                    xy[other], confidence[other], order, image[view[other]], likeness
                )
                if not cost < 2 * gate:
                    continue
                far = compare_people(xy, confidence, view, image, likeness)
                nearest[:] = gate
                for c in range(C):
                    nearest[view[c]] = min(nearest[view[c]], far[c, 0], far[c, 1])
                if nearest.sum() < lowest:
                    best, lowest = limbs, nearest.sum()
    return lowest < math.inf, best
