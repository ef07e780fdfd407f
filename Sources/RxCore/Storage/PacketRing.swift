/// Slots for a run of consecutive packets, found by their seq. Grows with the run.
struct PacketRing<Slot: BitwiseCopyable>: ~Copyable {
  private var slots: UnsafeMutablePointer<Slot>
  private var mask: UInt32
  private let empty: Slot

  init(empty: Slot) {
    self.empty = empty
    mask = 3
    slots = .allocate(capacity: 4)
    slots.initialize(repeating: empty, count: 4)
  }

  deinit {
    slots.deallocate()
  }

  subscript(_ seq: Seq) -> Slot {
    @inline(__always)
    unsafeAddress { UnsafePointer(slots + Int(seq.rawValue & mask)) }
    @inline(__always)
    unsafeMutableAddress { slots + Int(seq.rawValue & mask) }
  }

  @inline(__always)
  mutating func clear(_ seq: Seq) { self[seq] = empty }

  /// Makes room for the packets from `base` up to and including `seq`. Slots outside the run are empty.
  @inline(__always)
  mutating func reserve(from base: Seq, through seq: Seq) {
    if seq - base > Int(mask) { grow(from: base, through: seq) }
  }

  private mutating func grow(from base: Seq, through seq: Seq) {
    var capacity = Int(mask) + 1
    while capacity <= seq - base { capacity *= 2 }
    let larger = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
    larger.initialize(repeating: empty, count: capacity)
    let newMask = UInt32(capacity - 1)
    for step in 0...Int(mask) {
      let old = base + step
      larger[Int(old.rawValue & newMask)] = self[old]
    }
    slots.deallocate()
    slots = larger
    mask = newMask
  }
}
