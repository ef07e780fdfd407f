extension Completion {
  /// Waits until it is done, until `sleep` returns, or until the task is cancelled.
  public func wait(orUntil sleep: @escaping @Sendable () async -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.wait() }
      group.addTask { await sleep() }
      await group.next()
      group.cancelAll()
    }
  }
}
