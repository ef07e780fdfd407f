import Testing

@testable import RxTransport

@Suite struct RemoteWorkTests {
  private let item = RemoteWork.Item.closure {}

  @Test("Work for a thread that is awake wakes nobody; for one that sleeps, it wakes it once")
  func wakesOnce() {
    let work = RemoteWork()
    #expect(work.add(item) == .nothing)
    #expect(work.becomeIdle() == .work)
    take(work)
    #expect(work.becomeIdle() == .sleep)
    #expect(work.add(item) == .wake)
    #expect(work.add(item) == .nothing)
    #expect(work.becomeBusy())
  }

  @Test("Only one visitor has the loop, and only while the thread sleeps")
  func oneVisitor() {
    let work = RemoteWork()
    #expect(!work.beginVisit())
    #expect(work.becomeIdle() == .sleep)
    #expect(work.beginVisit())
    #expect(!work.beginVisit())
    #expect(!work.endVisit(hasMore: false))
    #expect(work.beginVisit())
    #expect(!work.endVisit(hasMore: false))
    #expect(work.becomeBusy())
    #expect(!work.beginVisit())
  }

  @Test("A thread that wakes up during a visit has to wait, and is woken when the visitor leaves")
  func threadWaits() {
    let work = RemoteWork()
    #expect(work.becomeIdle() == .sleep)
    #expect(work.beginVisit())
    #expect(!work.becomeBusy())
    #expect(!work.becomeBusy())
    #expect(work.endVisit(hasMore: false))
    #expect(!work.beginVisit())
    #expect(work.becomeBusy())
  }

  @Test("Work that a visitor leaves behind, or does not see, wakes the thread", arguments: [true, false])
  func leavesWork(hasMore: Bool) {
    let work = RemoteWork()
    #expect(work.becomeIdle() == .sleep)
    #expect(work.beginVisit())
    if !hasMore { #expect(work.add(item) == .nothing) }
    #expect(work.endVisit(hasMore: hasMore))
    #expect(!work.beginVisit())
    #expect(work.becomeBusy())
  }

  @Test("The end that was asked for during a visit comes after it")
  func ends() {
    let work = RemoteWork()
    #expect(work.becomeIdle() == .sleep)
    #expect(work.beginVisit())
    #expect(work.end() == .nothing)
    #expect(work.endVisit(hasMore: false))
    #expect(work.becomeBusy())
    #expect(work.becomeIdle() == .end)
    #expect(work.add(item) == .refused)
    #expect(!work.beginVisit())
  }

  private func take(_ work: RemoteWork) {
    var items: [RemoteWork.Item] = []
    work.take(into: &items)
  }
}
