// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.

// src/react.ts
import { expose, JsPyFunction, JsPyQueue, pubsub, queue, state } from "jsmeets-local";
import { useCallback, useEffect, useRef, useState } from "react";
function useExpose(name, func) {
  const last = useRef(func);
  useEffect(() => {
    last.current = func;
  });
  useEffect(() => {
    const call = (...args) => last.current(...args);
    expose(name, call);
    owners.set(name, call);
    return () => {
      if (owners.get(name) === call) {
        owners.delete(name);
        JsPyFunction.clear(name);
      }
    };
  }, [name]);
}
var owners = /* @__PURE__ */ new Map();
function useTopic(topic, initial) {
  const [data, setData] = useState(initial);
  useEffect(() => subscribe(topic, (_topic, published) => {
    setData(() => published);
  }), [topic]);
  const publish = useCallback((published) => pubsub.publish(topic, published), [topic]);
  return [data, publish];
}
var listeners = /* @__PURE__ */ new Map();
function subscribe(topic, listener) {
  const all = listeners.get(topic) ?? /* @__PURE__ */ new Set();
  all.add(listener);
  if (!listeners.has(topic)) {
    listeners.set(topic, all);
    void pubsub.subscribe(topic, (published, data) => {
      all.forEach((one) => {
        one(published, data);
      });
    });
  }
  return () => {
    all.delete(listener);
    if (all.size === 0 && listeners.get(topic) === all) {
      listeners.delete(topic);
      void pubsub.unsubscribe(topic);
    }
  };
}
function useQueue(key, limit = 1e3) {
  const [items, setItems] = useState([]);
  useEffect(() => read(key, (arrived) => {
    setItems((earlier) => [...earlier, ...arrived].slice(-limit));
  }), [key, limit]);
  const push = useCallback((data) => queue(key).push(data), [key]);
  return [items, push];
}
var readers = /* @__PURE__ */ new Map();
var isReading = false;
function read(key, reader) {
  const all = readers.get(key) ?? /* @__PURE__ */ new Set();
  readers.set(key, all.add(reader));
  if (!isReading) {
    isReading = true;
    JsPyQueue.add_callback((arrived) => {
      drain(String(arrived));
    });
  }
  drain(key);
  return () => {
    all.delete(reader);
  };
}
function drain(key) {
  const all = readers.get(key);
  if (!all?.size) {
    return;
  }
  const items = [];
  while (!JsPyQueue.is_empty(key)) {
    items.push(JsPyQueue.shift(key));
  }
  if (items.length > 0) {
    all.forEach((reader) => {
      reader(items);
    });
  }
}
function useSharedState(field, initial) {
  const [value, setValue] = useState(initial);
  useEffect(() => {
    let isMounted = true;
    let end = () => {
    };
    void state().then((shared) => {
      if (isMounted) {
        const show = (changed) => {
          setValue(() => copied(changed));
        };
        end = shared.on(field, show);
        show(shared[field]);
      }
    });
    return () => {
      isMounted = false;
      end();
    };
  }, [field]);
  const assign = useCallback((assigned) => {
    setValue(() => assigned);
    void state().then((shared) => {
      shared[field] = assigned;
    });
  }, [field]);
  return [value, assign];
}
function copied(value) {
  if (Array.isArray(value)) {
    return value.map(copied);
  }
  const prototype = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : void 0;
  if (prototype !== Object.prototype && prototype !== null) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copied(item)]));
}
export {
  useExpose,
  useQueue,
  useSharedState,
  useTopic
};
