import AFSBase

/// A connection's place in an `IdleList`.
struct IdleLink: BitwiseCopyable {
  var previous = -1
  var next = -1
  /// nil while calls are under way.
  var since: MonotonicTime?
}

/// Connections without calls, the longest idle first. The links live in the connections.
struct IdleList {
  private var head = -1
  private var tail = -1
  private(set) var count = 0

  var first: Int? { head >= 0 ? head : nil }

  mutating func append(_ index: Int, in connections: inout Slab<RxConnection>, now: MonotonicTime) {
    assert(connections[index].idle.since == nil)
    connections[index].idle = IdleLink(previous: tail, next: -1, since: now)
    if tail >= 0 { connections[tail].idle.next = index } else { head = index }
    tail = index
    count += 1
  }

  /// No effect on a connection which is not idle.
  mutating func remove(_ index: Int, in connections: inout Slab<RxConnection>) {
    let link = connections[index].idle
    guard link.since != nil else { return }
    if link.previous >= 0 { connections[link.previous].idle.next = link.next } else { head = link.next }
    if link.next >= 0 { connections[link.next].idle.previous = link.previous } else { tail = link.previous }
    connections[index].idle = IdleLink()
    count -= 1
  }
}
