/// Values at stable indices, with free places used again. An index is paired with a generation which differs for
/// every value that ever lived there.
struct Slab<Element: ~Copyable>: ~Copyable {
  private enum Place {
    case occupied
    case free(next: Int)
  }

  private var elements: UnsafeMutablePointer<Element>
  private var capacity: Int
  private var places: [Place] = []
  private var generations: [UInt32] = []
  private var firstFree = -1
  /// How many values it holds.
  private(set) var count = 0

  init() {
    capacity = 8
    elements = .allocate(capacity: capacity)
  }

  deinit {
    for (index, place) in places.enumerated() {
      if case .occupied = place { (elements + index).deinitialize(count: 1) }
    }
    elements.deallocate()
  }

  /// One past the largest index in use: for walks over all values.
  var indexEnd: Int { places.count }

  func isOccupied(_ index: Int) -> Bool {
    guard index >= 0, index < places.count, case .occupied = places[index] else { return false }
    return true
  }

  subscript(_ index: Int) -> Element {
    @inline(__always)
    unsafeAddress {
      assert(isOccupied(index))
      return UnsafePointer(elements + index)
    }
    @inline(__always)
    unsafeMutableAddress {
      assert(isOccupied(index))
      return elements + index
    }
  }

  mutating func insert(_ element: consuming Element) -> Int {
    count += 1
    if firstFree >= 0, case .free(let next) = places[firstFree] {
      let index = firstFree
      firstFree = next
      places[index] = .occupied
      (elements + index).initialize(to: element)
      return index
    }
    let index = places.count
    if index == capacity { grow() }
    places.append(.occupied)
    generations.append(1)
    (elements + index).initialize(to: element)
    return index
  }

  mutating func remove(_ index: Int) -> Element {
    precondition(isOccupied(index))
    count -= 1
    places[index] = .free(next: firstFree)
    generations[index] &+= 1
    firstFree = index
    return (elements + index).move()
  }

  /// The name of the value at `index`: index and generation in one number.
  @inline(__always)
  func name(of index: Int) -> UInt64 { UInt64(generations[index]) << 32 | UInt64(UInt32(truncatingIfNeeded: index)) }

  /// The index of the value that `name` was given to; nil when it has been removed.
  @inline(__always)
  func index(of name: UInt64) -> Int? {
    let index = Int(UInt32(truncatingIfNeeded: name))
    guard isOccupied(index), generations[index] == UInt32(truncatingIfNeeded: name >> 32) else { return nil }
    return index
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: elements, count: places.count)
    elements.deallocate()
    elements = larger
    capacity *= 2
  }
}
