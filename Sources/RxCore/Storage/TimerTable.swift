import AFSBase

/// One deadline per owner, the earliest first: a binary heap which knows where each owner stands.
///
/// Owners are slab indices. A deadline may be earlier than the owner needs: when it passes, the owner sets the next.
struct TimerTable {
  private struct Entry {
    var deadline: MonotonicTime
    var owner: Int
  }

  private var heap: [Entry] = []
  /// Place in the heap by owner, -1 for none.
  private var places: [Int] = []

  var earliest: MonotonicTime? { heap.first?.deadline }
  var isEmpty: Bool { heap.isEmpty }
  var count: Int { heap.count }

  /// Sees to it that the owner's turn comes at `deadline` or before; nil takes its timer away.
  @inline(__always)
  mutating func set(_ owner: Int, _ deadline: MonotonicTime?) {
    while owner >= places.count { places.append(-1) }
    let place = places[owner]
    guard let deadline else {
      if place >= 0 { remove(at: place) }
      return
    }
    if place < 0 {
      heap.append(Entry(deadline: deadline, owner: owner))
      places[owner] = heap.count - 1
      siftUp(heap.count - 1)
    } else if deadline < heap[place].deadline {
      heap[place].deadline = deadline
      siftUp(place)
    }
  }

  /// Takes out one owner whose deadline has passed.
  mutating func nextDue(now: MonotonicTime) -> Int? {
    guard let first = heap.first, first.deadline <= now else { return nil }
    remove(at: 0)
    return first.owner
  }

  private mutating func remove(at place: Int) {
    places[heap[place].owner] = -1
    let last = heap.removeLast()
    guard place < heap.count else { return }
    heap[place] = last
    places[last.owner] = place
    siftUp(place)
    siftDown(places[last.owner])
  }

  private mutating func siftUp(_ start: Int) {
    var place = start
    let entry = heap[place]
    while place > 0 {
      let parent = (place - 1) / 2
      guard entry.deadline < heap[parent].deadline else { break }
      heap[place] = heap[parent]
      places[heap[place].owner] = place
      place = parent
    }
    heap[place] = entry
    places[entry.owner] = place
  }

  private mutating func siftDown(_ start: Int) {
    var place = start
    let entry = heap[place]
    while true {
      var child = place * 2 + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1].deadline < heap[child].deadline { child += 1 }
      guard heap[child].deadline < entry.deadline else { break }
      heap[place] = heap[child]
      places[heap[place].owner] = place
      place = child
    }
    heap[place] = entry
    places[entry.owner] = place
  }
}
