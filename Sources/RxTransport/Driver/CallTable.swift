import RxCore

/// The calls in flight by their handles, found without hashing: a handle's low half is its call's place among those
/// that the endpoint has at the time, its high half tells it from earlier ones in that place.
struct CallTable {
  private var entries: [(handle: RxCallHandle, call: any DrivenCall)?] = []
  private(set) var count = 0

  /// Setting nil removes the call; setting another one replaces it.
  subscript(handle: RxCallHandle) -> (any DrivenCall)? {
    get {
      guard handle.place < entries.count, let entry = entries[handle.place], entry.handle == handle else { return nil }
      return entry.call
    }
    set {
      if let newValue { insert(newValue, handle) } else { remove(handle) }
    }
  }

  private mutating func insert(_ call: any DrivenCall, _ handle: RxCallHandle) {
    while handle.place >= entries.count { entries.append(nil) }
    if let old = entries[handle.place] {
      precondition(old.handle == handle, "the endpoint gave a place away whose call was not released")
    } else {
      count += 1
    }
    entries[handle.place] = (handle, call)
  }

  private mutating func remove(_ handle: RxCallHandle) {
    guard handle.place < entries.count, let entry = entries[handle.place], entry.handle == handle else { return }
    entries[handle.place] = nil
    count -= 1
  }

  var calls: [any DrivenCall] { entries.compactMap { $0?.call } }
}
